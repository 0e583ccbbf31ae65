/** @import { BuildOptions } from 'esbuild' */

/** Packages with files beside their code: binaries, and pages that are served unchanged. */
const NOT_BUNDLED = [
  '@node-rs/argon2',
  'cpu-features',
  '*.node',
  'reflect-metadata',
  'swagger-ui-dist',
  'pino',
  'pg-native',
];

/** Optional packages of Nest and others. We do not use them, and they are not installed. */
const NOT_INSTALLED = [
  '@as-integrations/*',
  '@fastify/view',
  '@grpc/*',
  '@nestjs/axios',
  '@nestjs/mongoose',
  '@nestjs/platform-express',
  '@nestjs/sequelize',
  '@nestjs/typeorm',
  '@nestjs/websockets',
  'amqp-connection-manager',
  'amqplib',
  'class-transformer',
  'ioredis',
  'kafkajs',
  'mongoose',
  'mqtt',
  'nats',
];

/** Decorators need reflect-metadata loaded first; CommonJS packages need variables that an ES module does not have. */
const BANNER = `
import 'reflect-metadata';
import { createRequire as __createRequire } from 'node:module';
const require = __createRequire(import.meta.url);
const __filename = import.meta.filename;
const __dirname = import.meta.dirname;`;

/**
 * How esbuild bundles a service with the packages it uses.
 * @type {BuildOptions}
 */
export const bundleOptions = {
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22.17',
  // The API document names its schemas after classes.
  keepNames: true,
  // Each process keeps the text of its code in memory: without comments and indentation it is 6 MB less.
  minifyWhitespace: true,
  legalComments: 'none',
  // Positions in the log point into the sources. Node reads a map when it needs it for the first time.
  sourcemap: 'linked',
  sourcesContent: false,
  external: [...NOT_BUNDLED, ...NOT_INSTALLED],
  banner: { js: BANNER },
  logLevel: 'warning',
};
