error: device '0000:01:00.0' assigned more than once
