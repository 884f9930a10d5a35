"""The request path of REST APIs, as API Gateway runs it, in the emulator's process."""
