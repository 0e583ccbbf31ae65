import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { file } from './configuration.js';

let url: string;

interface Run {
  code: number;
  out: string;
}

/** A registry that has no packages, no signatures, and one advisory of the severity that its address names. */
describe('npm run audit', () => {
  let registry: Server;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'leaver-audit-'));
    registry = createServer((request, response) => {
      const [, severity = '', name = ''] = request.url!.split('/');
      const answer =
        request.method === 'POST' ? advisories(severity) : { name: decodeURIComponent(name), versions: {} };
      response.statusCode = answer ? 200 : 405;
      response.setHeader('content-type', 'application/json');
      request.resume().on('end', () => response.end(JSON.stringify(answer ?? {})));
    });
    await new Promise<void>((listening) => registry.listen(0, '127.0.0.1', listening));
    url = `http://127.0.0.1:${(registry.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    registry.close();
    await rm(folder, { recursive: true });
  });

  /** Each run has a cache of its own: npm keeps advisories in it. */
  const audit = (severity: string, ...args: string[]) =>
    new Promise<Run>((resolve) => {
      const npm_config_cache = join(folder, [severity, ...args].join());
      const env = { ...process.env, npm_config_registry: `${url}/${severity}/`, npm_config_cache };
      execFile(process.execPath, [file('scripts/audit.mjs'), ...args], { env }, (error, out) =>
        resolve({ code: error ? Number(error.code) : 0, out }),
      );
    });

  it('fails for a package in the image with a critical vulnerability, and not for one of low severity', async () => {
    const [critical, low] = await Promise.all([audit('critical'), audit('low')]);
    expect([critical.code, critical.out]).toEqual([
      1,
      expect.stringMatching(/^Known vulnerabilities: FAILED \([1-9]\d* critical, 0 high/m),
    ]);
    expect([low.code, low.out]).toEqual([
      0,
      expect.stringMatching(/^Known vulnerabilities: ok \(0 critical, 0 high, [1-9]/m),
    ]);
  }, 120_000);

  it('names what a registry without audits left unchecked, and fails then only with --strict', async () => {
    const [lenient, strict] = await Promise.all([audit('none'), audit('none', '--strict')]);
    for (const { out } of [lenient, strict])
      expect(out.match(/NOT CHECKED \(the registry did not answer\)/g)).toHaveLength(2);
    expect([lenient.code, strict.code]).toEqual([0, 1]);
  }, 120_000);
});

function advisories(severity: string): Record<string, object[]> | undefined {
  if (severity === 'none') return undefined;
  const cvss = { score: 9 };
  return { fastify: [{ id: 1, url, title: 'a flaw', severity, vulnerable_versions: '*', cvss, cwe: [] }] };
}
