"""API Gateway straight to SQS, SNS, Step Functions and S3."""
