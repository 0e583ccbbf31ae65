// The image's health check: exits with 0 if the service in this container is ready, else with 1.
import { get } from 'node:http';

/** Milliseconds. */
const TIMEOUT = 4_000;

const fail = () => process.exit(1);
get({ host: '127.0.0.1', port: process.env.PORT, path: '/health/ready', timeout: TIMEOUT }, ({ statusCode }) =>
  process.exit(statusCode === 200 ? 0 : 1),
)
  .on('timeout', fail)
  .on('error', fail);
