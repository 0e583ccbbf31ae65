import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text as textOf } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { isPortFree } from '#libs/local-servers';
import { Api } from '../support/api.js';
import type { Finished } from '../support/program.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

export interface Container {
  name: string;
  service: string;
  state: string;
  exitCode: number;
  /** Published ports, `address:port`. */
  published: string[];
}

/** The containers of docker-compose.yml, under a project name and on ports of its own. */
export class Stack {
  readonly url: string;
  readonly proxyUrl: string;

  private readonly project: readonly string[];

  private constructor(
    name: string,
    private readonly ports: { gateway: number; proxy: number },
  ) {
    this.project = ['compose', '--project-name', name];
    this.url = `http://127.0.0.1:${ports.gateway}`;
    this.proxyUrl = `http://127.0.0.1:${ports.proxy}`;
  }

  /** Builds the image, starts all containers and waits until they are healthy. */
  static async up(): Promise<Stack> {
    const gateway = await unassignedPort(20_000 + (process.pid % 5_000));
    const ports = { gateway, proxy: await unassignedPort(gateway + 1) };
    const stack = new Stack(`leaver-e2e-${process.pid}`, ports);
    await stack.compose('build', '--quiet');
    try {
      await stack.compose('up', '--wait');
    } catch (error) {
      const said = await stack.compose('logs', '--tail', '20').catch(() => '(no logs)');
      await stack.down();
      throw new Error(`the containers did not become healthy:\n${said}`, { cause: error });
    }
    return stack;
  }

  api(token?: string): Api {
    return new Api(this.url, token);
  }

  /** Runs docker compose for this stack. @returns its output. @throws Error if it fails */
  async compose(...args: string[]): Promise<string> {
    const { stdout } = await run('docker', [...this.project, ...args], { ...this.options, maxBuffer: 64 * 1024 ** 2 });
    return stdout;
  }

  private get options() {
    const { gateway, proxy } = this.ports;
    const ports = { PORT: String(gateway), PROXY_PORT: String(proxy) };
    return { cwd: ROOT, env: { ...process.env, ...ports, LEAVER_TOKEN: '', COMPOSE_PROGRESS: 'quiet' } };
  }

  async containers(...services: string[]): Promise<Container[]> {
    const lines = (await this.compose('ps', '--all', '--format', 'json', ...services)).trim().split('\n');
    return lines.map((line) => {
      const { Name, Service, State, ExitCode, Publishers } = JSON.parse(line) as Listed;
      const published = (Publishers ?? []).filter((one) => one.PublishedPort > 0);
      return {
        name: Name,
        service: Service,
        state: State,
        exitCode: ExitCode,
        published: published.map((one) => `${one.URL}:${one.PublishedPort}`),
      };
    });
  }

  /** The answer of `docker inspect`. */
  async inspect<T>(name: string): Promise<T> {
    const { stdout } = await run('docker', ['inspect', name]);
    return (JSON.parse(stdout) as [T])[0];
  }

  /** Runs a program in a container. @returns its output */
  async inside(name: string, ...command: string[]): Promise<string> {
    const { stdout } = await run('docker', ['exec', name, ...command], { maxBuffer: 64 * 1024 ** 2 });
    return stdout;
  }

  /** The metrics of the service in a container, by name and labels. */
  async metrics(name: string): Promise<Map<string, number>> {
    const url = "'http://127.0.0.1:' + process.env.METRICS_PORT + '/metrics'";
    const script = `fetch(${url}).then(async (page) => console.log(await page.text()))`;
    const lines = (await this.inside(name, 'node', '--eval', script)).split('\n');
    return new Map(
      lines
        .filter((line) => line && !line.startsWith('#'))
        .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
    );
  }

  /** Runs `leaver` as the runbooks say, without a terminal. */
  async leaver(words: readonly string[], { input = '', service = 'leaver', token = '' } = {}): Promise<Finished> {
    const args = [...this.project, 'run', '--rm', '--no-TTY', service, ...words];
    const child = spawn('docker', args, { ...this.options, env: { ...this.options.env, LEAVER_TOKEN: token } });
    child.stdin.end(input);
    const [out, messages, [exitCode]] = await Promise.all([
      textOf(child.stdout),
      textOf(child.stderr),
      once(child, 'close') as Promise<[number]>,
    ]);
    return { exitCode, out, messages };
  }

  /** Kills a container, as the kernel does when memory runs out. */
  async kill(name: string): Promise<void> {
    await run('docker', ['kill', name]);
  }

  /** Removes the containers and their volumes. */
  async down(): Promise<void> {
    await this.compose('--profile', '*', 'down', '--volumes', '--timeout', '10');
  }
}

/** The first free port from here. It is used a minute later, so it is below the ports that the system assigns. */
async function unassignedPort(from: number): Promise<number> {
  return (await isPortFree(from)) ? from : unassignedPort(from + 1);
}

interface Listed {
  Name: string;
  Service: string;
  State: string;
  ExitCode: number;
  Publishers?: { URL: string; PublishedPort: number }[];
}
