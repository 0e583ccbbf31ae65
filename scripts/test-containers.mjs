// npm run test:containers [-- <path> …]: the whole suite, or a part, on PostgreSQL and NATS from their images. Needs a Docker engine.
process.env.LEAVER_TEST_SERVERS = 'containers';
await import('./test.mjs');
