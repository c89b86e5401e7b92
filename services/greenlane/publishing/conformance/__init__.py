"""What a marketplace publishes beside what it should publish: a table of rules, passed, failed or not judged."""
