"""What Milvus runs with, wherever it is configured: its container, its files, its keys."""
