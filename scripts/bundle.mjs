// Joins each compiled service with the packages it uses: loading thousands of small files is most of what a start takes.
// What they have in common is in files of its own, which all of them share.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { root } from './lib/root.mjs';
import { bundles, services } from './lib/services.mjs';

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
  'class-transformer/storage',
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

const outdir = join(root, bundles);
await rm(outdir, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: Object.fromEntries(services.map((name) => [name, `dist/services/${name}/src/main.js`])),
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22.17',
  // The API document names its schemas after classes.
  keepNames: true,
  external: [...NOT_JOINED, ...NOT_INSTALLED],
  banner: { js: FIRST },
  logLevel: 'warning',
});
