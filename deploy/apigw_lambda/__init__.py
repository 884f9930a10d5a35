"""API Gateway and Lambda."""
