"""Events over HTTP: checked, appended to Kafka, and answered one by one."""
