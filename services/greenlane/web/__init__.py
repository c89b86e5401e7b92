"""What an HTTP server that strangers reach needs: limits on connections, requests and rates, and clear errors."""
