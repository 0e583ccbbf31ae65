// The image's health check: whether the service in this container is ready. Ends with 0 or 1.
import { get } from 'node:http';

const TIMEOUT = 4_000;

const ended = (code) => process.exit(code);
get({ host: '127.0.0.1', port: process.env.PORT, path: '/health/ready', timeout: TIMEOUT }, ({ statusCode }) =>
  ended(statusCode === 200 ? 0 : 1),
)
  .on('timeout', () => ended(1))
  .on('error', () => ended(1));
