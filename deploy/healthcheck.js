// The health check of the image: exit 0 while the service takes new work. A port given by flag is not seen here.
const port = process.env.PACKHORSE_METRICS_PORT || 9417;
try {
  const response = await fetch(`http://127.0.0.1:${port}/readyz`);
  process.exitCode = response.ok ? 0 : 1;
} catch {
  process.exitCode = 1;
}
