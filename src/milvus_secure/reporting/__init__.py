"""What a check says: findings, observations, the report and its text and machine forms."""
