"""What is made of assessments for others: explained events and iLEAP documents."""
