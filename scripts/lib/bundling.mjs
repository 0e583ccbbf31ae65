/** Packages with files beside their code: binaries, and pages that are served as they are. */
const NOT_JOINED = [
  '@node-rs/argon2',
  'cpu-features',
  '*.node',
  'reflect-metadata',
  'swagger-ui-dist',
  'pino',
  'pg-native',
];

/** Nest and others ask for these when they are used; we don't use them, and they aren't installed. */
const NOT_INSTALLED = [
  '@as-integrations/*',
  '@fastify/static',
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

/** What decorators write to has to be there before all else; CommonJS packages expect what an ES module does not have. */
const FIRST = `
import 'reflect-metadata';
import { createRequire as __createRequire } from 'node:module';
const require = __createRequire(import.meta.url);
const __filename = import.meta.filename;
const __dirname = import.meta.dirname;`;

/** How esbuild joins a service with the packages it uses. */
export const joined = {
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
  external: [...NOT_JOINED, ...NOT_INSTALLED],
  banner: { js: FIRST },
  logLevel: 'warning',
};
