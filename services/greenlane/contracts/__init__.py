"""What goes over the wire: the models of every record, the table of topics, the rendering of the schemas."""
