import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Stage } from './kit/stage.js';

const BUILT = join(import.meta.dirname, '../../dist/console');
/** Bytes, compressed. */
const MOST_AT_START = 150_000;
const MOST_IN_ALL = 250_000;

interface Chunk {
  file: string;
  imports?: string[];
  isEntry?: boolean;
}

export function serving(stage: () => Stage): void {
  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${stage().system.url}${path}`, { headers });
  const BROWSER = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

  describe('the gateway', () => {
    it('gives the console to browsers and links to programs', async () => {
      const page = await get('/', BROWSER);
      expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(await page.text()).toContain('<div id="root">');
      for (const accept of ['*/*', 'application/json'])
        expect(await (await get('/', { accept })).json()).toMatchObject({ name: 'Leaver', api: '/v1' });
    });

    it.each(['/sign-in', '/people', '/people/019b3c5e-7a10-7c44-9d2e-5f60718293a4/leave', '/departures'])(
      'serves %s with a strict policy',
      async (path) => {
        const { status, headers } = await get(path, BROWSER);
        expect(status).toBe(200);
        const policy = headers.get('content-security-policy')!;
        expect(policy).toContain("default-src 'self'");
        expect(policy).toContain("require-trusted-types-for 'script'");
        expect(policy).toContain("frame-ancestors 'none'");
        expect(policy).not.toContain('unsafe');
        expect(headers.get('x-content-type-options')).toBe('nosniff');
        expect(headers.get('referrer-policy')).toBe('no-referrer');
        expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
      },
    );

    it('serves compressed files that browsers keep, and nothing else of the folder', async () => {
      const script = /src="(\/assets\/[^"]+\.js)"/.exec(await (await get('/people', BROWSER)).text())![1]!;
      const { status, headers } = await get(script, { 'accept-encoding': 'br' });
      expect([status, headers.get('content-encoding'), headers.get('cache-control')]).toEqual([
        200,
        'br',
        'public, max-age=31536000, immutable',
      ]);
      expect(headers.get('content-type')).toMatch(/javascript/);
      for (const path of ['/assets/', '/assets/missing.js', '/assets/../index.html', '/assets/%2e%2e/built-from'])
        expect((await get(path)).status).toBe(404);
    });

    it('offers no demo accounts unless it is told to', async () => {
      expect(await (await get('/console.json')).json()).toEqual({ demoAccounts: [] });
    });
  });

  describe('the weight of the console', () => {
    it('at the start and with any one screen is within the budget', () => {
      const manifest = JSON.parse(readFileSync(join(BUILT, '.vite/manifest.json'), 'utf8')) as Record<string, Chunk>;
      const sizeOf = (file: string) => statSync(join(BUILT, `${file}.br`)).size;
      const filesOf = (name: string): string[] => {
        const { file, imports = [] } = manifest[name]!;
        return [file, ...imports.flatMap(filesOf)];
      };
      const total = (files: string[]) => [...new Set(files)].reduce((sum, file) => sum + sizeOf(file), 0);
      const start = filesOf(Object.keys(manifest).find((name) => manifest[name]!.isEntry)!);
      expect(total(start)).toBeLessThan(MOST_AT_START);
      for (const name of Object.keys(manifest).filter((one) => manifest[one]!.file.endsWith('.js')))
        expect({ name, fits: total([...start, ...filesOf(name)]) < MOST_IN_ALL }).toEqual({ name, fits: true });
      expect(readdirSync(join(BUILT, 'assets')).filter((file) => file.endsWith('.map'))).toEqual([]);
    });
  });
}
