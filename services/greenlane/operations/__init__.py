"""What operators need: topics, embedded servers, health, metrics, logging and the doctor."""
