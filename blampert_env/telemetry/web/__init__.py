"""What the exporter and the dashboard share as web servers: who may ask, and what every answer says."""
