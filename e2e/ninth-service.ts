import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { testDatabase, type TestDatabase } from '#libs/test-kit';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
const KIT = '@leaver/service-kit';

/** The example of another team's service, installed outside of this repository from the packed libraries. */
export class NinthService {
  private child?: ChildProcess;

  private constructor(
    readonly folder: string,
    private readonly database: TestDatabase,
  ) {}

  /** Packs the libraries, installs the example beside them, and makes its tables with its own migrations. */
  static async install(): Promise<NinthService> {
    const { stdout } = await run(process.execPath, [join(root, 'scripts/pack-libs.mjs')], { cwd: root });
    const folder = await mkdtemp(join(tmpdir(), 'leaver-billing-'));
    await cp(join(root, 'examples/billing'), folder, { recursive: true });
    await unpack(join(root, stdout.trim()), folder);
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

  /** Whether the example is right as far as the types in the package say. */
  async typeFaults(): Promise<string> {
    const compiler = join(root, 'node_modules/typescript/bin/tsc');
    const faults = (error: { stdout: string }) => error.stdout;
    return run(process.execPath, [compiler, '-p', this.folder], { cwd: this.folder }).then(() => '', faults);
  }

  /** Starts it as its `npm start` does. */
  async start(natsUrl: string): Promise<void> {
    this.child = spawn(process.execPath, ['src/main.ts'], {
      cwd: this.folder,
      env: { NATS_URL: natsUrl, DATABASE_URL: this.database.url, LOG_LEVEL: process.env.E2E_LOG ?? 'silent' },
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

/** What `npm install` would do, without a registry: third-party packages come from here, and only those that are asked for. */
async function unpack(tarball: string, folder: string): Promise<void> {
  const modules = join(folder, 'node_modules');
  const kit = join(modules, KIT);
  await mkdir(kit, { recursive: true });
  await run('tar', ['-xzf', tarball, '-C', kit, '--strip-components=1']);
  const manifests = await Promise.all([folder, kit].map((place) => readFile(join(place, 'package.json'), 'utf8')));
  const asked = manifests.flatMap((text) => Object.keys((JSON.parse(text) as { dependencies: object }).dependencies));
  for (const name of new Set([...asked, '@types/node'])) {
    if (name === KIT) continue;
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(join(root, 'node_modules', name), join(modules, name));
  }
}
