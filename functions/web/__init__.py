"""Between events, or the Web Adapter, and a web application that is frozen after each answer."""
