// npm run test:containers [-- <path> …]: the same with PostgreSQL and NATS from their images. Needs a Docker engine.
process.env.LEAVER_TEST_SERVERS = 'containers';
await import('./test.mjs');
