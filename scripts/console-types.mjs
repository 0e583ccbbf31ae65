// node scripts/console-types.mjs: writes the types of the REST API, which the console is checked with, from the contracts into
// dist/console-types/openapi.d.ts. `npm run typecheck` runs it first.
import './lib/typescript-loader.mjs';
import 'reflect-metadata';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import openapiTS, { astToString } from 'openapi-typescript';
import { root } from './lib/root.mjs';

const FILE = join(root, 'dist/console-types/openapi.d.ts');

const { openApiDocument } = /** @type {typeof import('../services/gateway/src/openapi/document.ts')} */ (
  await import(new URL('../services/gateway/src/openapi/document.ts', import.meta.url).href)
);
const { ALL_OPERATIONS } = await import('#libs/contracts');
// Examples would be most of the file.
const withoutExamples = JSON.stringify(openApiDocument(ALL_OPERATIONS), (key, value) =>
  (key === 'example' && typeof value === 'object') || key === 'examples' ? undefined : value,
);
const document = JSON.parse(withoutExamples);
const text = astToString(await openapiTS(document, { defaultNonNullable: false }));
await mkdir(join(root, 'dist/console-types'), { recursive: true });
// An unchanged file keeps the type check incremental.
if ((await readFile(FILE, 'utf8').catch(() => '')) !== text) await writeFile(FILE, text);
