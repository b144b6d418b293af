"""Writing single items for services: from the put to its acknowledgement."""
