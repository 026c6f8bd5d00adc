"""What runs inside worker processes, and in no other: all that touches plugins, and pedalboard."""
