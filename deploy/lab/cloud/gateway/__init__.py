"""The request path of REST APIs, as API Gateway runs it, in the emulator's process.

MiniStack keeps the records of the control plane. A request never reaches its own way of serving
them: `front` takes it, `pipeline` is the order of things, and each step is a module.
"""
