/** @import { BrokerConfiguration } from '../../scripts/lib/broker-configuration.mjs' */
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CONFIGURATION, withoutUser, withSubscriber } from '../../scripts/lib/broker-configuration.mjs';
import { replace } from '../../scripts/lib/files.mjs';
import { defaultHome, fallbackHome, running } from '../../scripts/lib/running.mjs';
import { CommandError, EXIT } from '../exit-codes.mjs';

/** Milliseconds. */
const RELOAD_TIMEOUT = 10_000;

/**
 * An installation whose broker is configured by files that we can write: that of `npm start`, or of Docker Compose.
 */
export class Installation {
  /**
   * @param {object} where
   * @param {string} where.secrets the folder of `secrets.json`
   * @param {string} where.broker the folder of the broker's configuration
   * @param {string} [where.host] the broker's `host:port` for subscribers; default: this machine
   * @param {string} [where.reload] the command that makes the broker read its configuration; default: Leaver does so by itself
   */
  constructor({ secrets, broker, host, reload }) {
    this.secretsFile = join(secrets, 'secrets.json');
    this.configurationFile = join(broker, CONFIGURATION);
    this.host = host;
    this.reload = reload;
  }

  /** That of Compose if LEAVER_VOLUMES names its volumes, else that of `npm start` on this machine. */
  static async find() {
    const volumes = process.env.LEAVER_VOLUMES;
    if (volumes)
      return new Installation({
        secrets: join(volumes, 'all'),
        broker: join(volumes, 'nats'),
        host: 'nats:4222',
        reload: 'docker compose kill --signal HUP nats',
      });
    for (const home of [defaultHome(), ...(process.env.LEAVER_HOME ? [] : [fallbackHome()])]) {
      const broker = join(home, 'nats');
      const exists = await access(join(broker, CONFIGURATION)).then(
        () => true,
        () => false,
      );
      if (exists) return new Installation({ secrets: home, broker });
    }
    throw new CommandError(
      EXIT.unreachable,
      'There is no broker of Leaver on this machine. For Kubernetes, use --secret; for a broker of your own, leaver subscribers ' +
        'permissions <name> shows what to grant.',
    );
  }

  /** @returns {Promise<BrokerConfiguration>} */
  async configuration() {
    return JSON.parse(await readFile(this.configurationFile, 'utf8'));
  }

  /**
   * @param {string} name
   * @param {string} password
   */
  async add(name, password) {
    // First the secrets, from which the configuration is written at the next start.
    await this.#changeSecrets((subscribers) => ({ ...subscribers, [name]: password }));
    await this.write(withSubscriber(await this.configuration(), name, password));
  }

  /** @param {string} name */
  async remove(name) {
    await this.#changeSecrets(({ [name]: _, ...others }) => others);
    await this.write(withoutUser(await this.configuration(), name));
  }

  /** @param {BrokerConfiguration} configuration */
  async write(configuration) {
    await replace(this.configurationFile, JSON.stringify(configuration, null, 2));
  }

  /**
   * @param {string} name
   * @param {string} password
   */
  async address(name, password) {
    const { port, tls } = await this.configuration();
    return `${tls ? 'tls' : 'nats'}://${name}:${password}@${this.host ?? `127.0.0.1:${port}`}`;
  }

  /**
   * Waits until the running broker accepts the address, or refuses it.
   * @param {string} address
   * @param {boolean} accepted
   * @returns whether it does; undefined if no broker runs here or it is reloaded by hand
   */
  async settled(address, accepted) {
    if (this.reload || !(await running())) return undefined;
    for (const end = Date.now() + RELOAD_TIMEOUT; Date.now() < end;) {
      if ((await accepts(address)) === accepted) return true;
      await new Promise((done) => setTimeout(done, 100));
    }
    return false;
  }

  /** @param {(subscribers: Record<string, string>) => Record<string, string>} change */
  async #changeSecrets(change) {
    const secrets = JSON.parse(await readFile(this.secretsFile, 'utf8'));
    await replace(
      this.secretsFile,
      JSON.stringify({ ...secrets, subscribers: change(secrets.subscribers ?? {}) }, null, 2),
    );
  }
}

/** @param {string} address */
async function accepts(address) {
  const { connect } = await import('@nats-io/transport-node');
  const { host, username: user, password: pass } = new URL(address);
  try {
    const nats = await connect({ servers: host, user, pass, reconnect: false, timeout: 2_000 });
    await nats.close();
    return true;
  } catch {
    return false;
  }
}
