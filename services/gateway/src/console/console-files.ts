import fastifyStatic from '@fastify/static';
import { Problem } from '#libs/contracts';
import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CONSOLE_ASSETS, CONSOLE_SECTIONS } from './console-paths.js';

/** The console needs nothing of another origin, nothing inline, and never turns text into markup or code. */
const CONSOLE_POLICY =
  "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; " +
  "require-trusted-types-for 'script'; trusted-types 'none'";

export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': CONSOLE_POLICY,
  'cross-origin-opener-policy': 'same-origin',
  // The files that the page names change with every release.
  'cache-control': 'no-cache',
};

/** Serves the built files of the console, and its page at each of its addresses. Nest creates this before it registers the routes. */
@Injectable()
export class ConsoleFiles {
  /** Undefined if the console has not been built, as in most tests. */
  private readonly folder = consoleFolder(import.meta.dirname);

  constructor(host: HttpAdapterHost<FastifyAdapter>) {
    const instance: FastifyInstance = host.httpAdapter.getInstance();
    if (!this.folder) return;
    void instance.register(fastifyStatic, {
      root: join(this.folder, CONSOLE_ASSETS),
      prefix: `/${CONSOLE_ASSETS}/`,
      index: false,
      // Compressed by the build.
      preCompressed: true,
      cacheControl: false,
      setHeaders: (reply) => void reply.header('cache-control', 'public, max-age=31536000, immutable'),
    });
    for (const path of CONSOLE_SECTIONS.flatMap((section) => [`/${section}`, `/${section}/*`]))
      instance.get(path, async (_request, reply) => reply.headers(PAGE_HEADERS).send(await this.page()));
  }

  get isBuilt(): boolean {
    return this.folder !== undefined;
  }

  /** @throws Problem `not-found` if the console has not been built */
  page(): Promise<Buffer> {
    if (!this.folder) throw new Problem('not-found');
    return readFile(join(this.folder, 'index.html'));
  }
}

/** dist/console of the project that this code is in: it runs from dist/run, or from the sources in tests. */
function consoleFolder(start: string): string | undefined {
  for (let folder = start; ; folder = dirname(folder)) {
    const built = join(folder, 'dist/console');
    if (existsSync(join(built, 'index.html'))) return built;
    if (folder === dirname(folder)) return undefined;
  }
}
