import { describe, expect, it } from '@jest/globals';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, matchesGlob } from 'node:path';
import { file, text } from './configuration.js';

/** What starts in the image besides the bundled services; migrations are found by their path. */
const ENTRIES = [
  'deploy/container/main.mjs',
  'deploy/container/health.mjs',
  'cli/leaver.mjs',
  ...globSync('services/*/src/migrations/migrations.ts', { cwd: file('.') }),
];
/** Folders of compiled code that the Dockerfile removes, as patterns of their sources. */
const removed = [...text('deploy/Dockerfile').matchAll(/^RUN rm -rf (dist\/.+)$/gm)]
  .flatMap(([, folders]) => folders!.split(' '))
  .map((folder) => `${folder.replace('dist/', '')}/**`);

/** The source of what is imported; undefined for a package. */
function sourceOf(specifier: string, importer: string): string | undefined {
  const [, library] = /^#libs\/([a-z-]+)$/.exec(specifier) ?? [];
  if (library) return `libs/${library}/src/index.ts`;
  if (!specifier.startsWith('.')) return undefined;
  const path = join(dirname(importer), specifier);
  const source = path.replace(/\.js$/, '.ts');
  return existsSync(file(source)) ? source : path;
}

/** Everything that is loaded from these files, and the packages that have to be there as soon as it is. */
function loadedFrom(entries: readonly string[]) {
  const sources = new Set(entries);
  const packages = new Set<string>();
  for (const path of sources) {
    const code = readFileSync(file(path), 'utf8');
    const statements = code.matchAll(
      /^(?:import|export) (?!type )(?:[^;'"]*? from )?'([^']+)'|\bimport\('([^']+)'\)/gm,
    );
    for (const [, specifier, later] of statements) {
      const source = sourceOf((specifier ?? later)!, path);
      if (source) sources.add(source);
      else if (specifier && !specifier.startsWith('node:')) packages.add(specifier);
    }
  }
  return { sources: [...sources], packages: [...packages] };
}

describe('what the image runs', () => {
  const { sources, packages } = loadedFrom(ENTRIES);

  it('imports nothing that the Dockerfile removes', () => {
    expect(removed).toContain('libs/test-kit/**');
    expect(sources.length).toBeGreaterThan(100);
    expect(sources.filter((path) => removed.some((pattern) => matchesGlob(path, pattern)))).toEqual([]);
  });

  it('needs no package that is there for development only', () => {
    const { dependencies } = JSON.parse(text('package.json')) as { dependencies: Record<string, string> };
    const nameOf = (specifier: string) =>
      specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/');
    expect(packages.length).toBeGreaterThan(5);
    expect(packages.map(nameOf).filter((name) => !(name in dependencies))).toEqual([]);
  });
});

describe('the images of others', () => {
  const byTag = [
    'docker-compose.yml',
    'deploy/Dockerfile',
    ...globSync('libs/local-servers/src/*.ts', { cwd: file('.') }),
  ];
  const byDigest = ['deploy/images.env', ...globSync('deploy/kubernetes/**/*.yaml', { cwd: file('.') })];
  const nameOf = (image: string) => image.split(':')[0]!;
  const pinned = text('deploy/images.env').match(/^\w+(?==)/gm);

  it('are found wherever a file names one', () => {
    const names = [...byTag, ...byDigest].flatMap((path) => imagesIn(path).map(nameOf));
    expect(new Set(names)).toEqual(
      new Set([
        'node',
        'postgres',
        'nats',
        'haproxy',
        'prom/prometheus',
        'grafana/grafana',
        'ghcr.io/cloudnative-pg/postgresql',
      ]),
    );
  });

  it('are pinned by digest in deploy/images.env and in the manifests, the same one everywhere', () => {
    const found = byDigest.flatMap(imagesIn);
    expect(found.filter((image) => !/^[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}$/.test(image))).toEqual([]);
    for (const [name, images] of Map.groupBy(found, nameOf)) expect([name, new Set(images).size]).toEqual([name, 1]);
  });

  it('that are named by tag have a digest in deploy/images.env, under the variable that replaces them', () => {
    const variables = [...text('docker-compose.yml').matchAll(/\$\{(\w+_IMAGE):-(?!leaver)/g)].map(([, name]) => name);
    expect(new Set(pinned)).toEqual(new Set([...variables, 'NODE_IMAGE']));
    const known = new Set(imagesIn('deploy/images.env').map(nameOf));
    expect(byTag.flatMap(imagesIn).filter((image) => !known.has(nameOf(image)))).toEqual([]);
  });
});

const PLACES = {
  '.ts': /^const IMAGE =\s+'(.+)';$/gm,
  '.env': /^\w+_IMAGE=(\S+)$/gm,
  '': /^\s*(?:image|imageName|fullImageName): (?:\$\{\w+:-)?([^\s}]+)\}?$|^(?:ARG \w+=|FROM )(\S+)/gm,
};

/** The images that a file names, without our own; of `${NAME:-default}` the default. */
function imagesIn(path: string): string[] {
  const place = PLACES[path.endsWith('.ts') ? '.ts' : path.endsWith('.env') ? '.env' : ''];
  return [...text(path).matchAll(place)]
    .map(([, image, base]) => (image ?? base)!)
    .filter((image) => !['leaver', '${NODE_IMAGE}'].includes(image));
}
