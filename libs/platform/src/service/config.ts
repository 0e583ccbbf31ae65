import { LOG_LEVELS, TRACES_SAMPLERS, type ObservabilitySettings, type TracesSampler } from '#libs/observability';
import { fieldTypes, OneOf, Pattern, Shape, Text, Url, validate, Whole, type Class } from '#libs/contracts';
import { DEFAULT_TIME_LIMITS, type TimeLimits } from '#libs/database';
import { readFileSync } from 'node:fs';

/**
 * Settings of every process. Each field comes from the environment variable with its name in upper case (`natsUrl` from
 * `NATS_URL`), or from the file that `NATS_URL_FILE` names. An empty variable counts as not set; a field's initial
 * value is its default.
 */
export class BaseConfig implements ObservabilitySettings {
  /** Name of the service in subjects and log lines. Not a setting. */
  serviceName: string;

  @Pattern(/^(nats|tls):\/\/\S+$/, 'the address of a NATS server, like nats://user:password@127.0.0.1:4222', {
    about:
      'Address of the NATS server, with user and password: `nats://…` or `tls://…`; several are separated by commas.',
  })
  natsUrl: string;

  @Pattern(/-----BEGIN CERTIFICATE-----/, 'certificates in PEM format, with NATS_CA_FILE those of a file', {
    optional: true,
    about:
      'Certificate of the CA that issued the certificate of NATS, in PEM format; usually a file, `NATS_CA_FILE`. With it, or with ' +
      '`tls://…` in `NATS_URL`, the service connects with TLS only ([Certificates](OPERATIONS.md#certificates)).',
  })
  natsCa?: string;

  @Pattern(/^[\w-]{43}$/, 'the private key of this service; `leaver service-keys` makes one', {
    about: 'Private key with which the service signs its calls ([Keys of services](OPERATIONS.md#keys-of-services)).',
  })
  serviceKey: string;

  @Pattern(/^\{[^]*\}$/, 'a JSON object with the public keys of all services; `leaver service-keys` makes it', {
    about: 'Public keys of all services and of the operator, as a JSON object by name; the same everywhere.',
  })
  servicePublicKeys: string;

  @OneOf(['refuse', 'allow'], {
    about: '`allow` accepts unsigned calls while services of 0.1 still run ([Upgrade](OPERATIONS.md#upgrade-from-01)).',
  })
  callsUnsigned: 'refuse' | 'allow' = 'refuse';

  @Whole({ min: 1, max: 5, about: 'Number of servers of a NATS cluster that store each stream, 1 to 5.' })
  natsReplicas: number = 1;

  @Whole({
    max: 65_535,
    about: 'Port of health, and of metrics unless `METRICS_PORT` is set; 0 takes any free port, which is logged.',
  })
  port: number = 0;

  @Text({ about: 'Address that HTTP listens on; `0.0.0.0` for all addresses.' })
  host: string = '127.0.0.1';

  @Whole({
    max: 65_535,
    optional: true,
    about: 'Port of metrics, which are then not served on `PORT`; 0 takes any free port, which is logged.',
  })
  metricsPort?: number;

  @OneOf(LOG_LEVELS, { about: `${LOG_LEVELS.map((level) => `\`${level}\``).join(', ')}.` })
  logLevel: (typeof LOG_LEVELS)[number] = 'info';

  @Url({
    optional: true,
    about:
      'URL of a collector that accepts traces in OTLP over HTTP, like `http://127.0.0.1:4318`. Without it no traces are ' +
      'recorded ([Traces](OPERATIONS.md#traces)).',
  })
  otelExporterOtlpEndpoint?: string;

  @Text({ optional: true, max: 4_000, about: 'Headers for the collector: `name=value`, separated by commas.' })
  otelExporterOtlpHeaders?: string;

  @OneOf(TRACES_SAMPLERS, {
    about:
      'Which traces are recorded: OpenTelemetry’s `always_on`, `always_off`, `traceidratio`, or one of these prefixed ' +
      'with `parentbased_`.',
  })
  otelTracesSampler: TracesSampler = 'parentbased_always_on';

  @Shape({ type: 'number', minimum: 0, maximum: 1 }, 'a number from 0 to 1', {
    about: 'Share of the traces that a sampler with `ratio` in its name records, 0 to 1.',
  })
  otelTracesSamplerArg: number = 1;
}

/** Settings of a service with its own database. */
export class ServiceConfig extends BaseConfig {
  @Pattern(
    /^postgres(ql)?:\/\/\S+$/,
    'the address of a PostgreSQL database, like postgres://user:password@127.0.0.1:5432/name',
    {
      about:
        'Address of the service’s own PostgreSQL database, with a role that may read and write rows; not through a ' +
        'transaction pooler. `?sslmode=verify-full&sslrootcert=<file>` encrypts the connections and verifies the server; the file ' +
        'has the certificate of its CA ([Certificates](OPERATIONS.md#certificates)).',
    },
  )
  databaseUrl: string;

  @Whole({
    max: 3_600_000,
    about:
      'Longest time of an SQL statement for a call, in milliseconds; 0 for no limit. The call is then answered with 503.',
  })
  statementTimeoutMs: number = DEFAULT_TIME_LIMITS.call.statementMs;

  @Whole({ max: 3_600_000, about: 'Longest wait of such a statement for a lock, in milliseconds; 0 for no limit.' })
  lockTimeoutMs: number = DEFAULT_TIME_LIMITS.call.lockMs;

  @Whole({
    max: 86_400_000,
    about:
      'Longest time of an SQL statement of background work, such as a chunk of a departure, in milliseconds; 0 for no ' +
      'limit. The work is then done again later.',
  })
  backgroundStatementTimeoutMs: number = DEFAULT_TIME_LIMITS.background.statementMs;

  @Whole({ max: 86_400_000, about: 'Longest wait of such a statement for a lock, in milliseconds; 0 for no limit.' })
  backgroundLockTimeoutMs: number = DEFAULT_TIME_LIMITS.background.lockMs;

  @Whole({
    max: 86_400_000,
    about:
      'Longest time that a transaction may be open without running a statement, in milliseconds; 0 for no limit. ' +
      'PostgreSQL then ends the connection, so that a process that hangs does not keep its locks.',
  })
  idleInTransactionTimeoutMs: number = DEFAULT_TIME_LIMITS.idleInTransactionMs;
}

export const timeLimitsOf = (config: ServiceConfig): TimeLimits => ({
  call: { statementMs: config.statementTimeoutMs, lockMs: config.lockTimeoutMs },
  background: { statementMs: config.backgroundStatementTimeoutMs, lockMs: config.backgroundLockTimeoutMs },
  idleInTransactionMs: config.idleInTransactionTimeoutMs,
});

/** Settings are missing or invalid. The message lists all of them and quotes no values. */
export class ConfigError extends Error {
  constructor(
    serviceName: string,
    readonly faults: readonly string[],
  ) {
    super(`${serviceName} cannot start because of its settings:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
    this.name = 'ConfigError';
  }
}

export type Environment = Record<string, string | undefined>;

/**
 * Reads the settings of a service from environment variables, and from the files named by variables ending in `_FILE`.
 * @throws ConfigError listing everything that is missing or invalid
 */
export function loadConfig<C extends BaseConfig>(type: Class<C>, serviceName: string, env: Environment): C {
  const config = new type();
  config.serviceName = serviceName;
  const unreadable = new Map<string, string>();
  for (const [field, kind] of fieldTypes(type)) {
    try {
      const text = setting(env, variable(field));
      if (text !== undefined) Object.assign(config, { [field]: convert(text, kind) });
    } catch (error) {
      unreadable.set(field, (error as Error).message);
    }
  }
  const invalid = validate(type, config, { unknown: 'ignore' })
    .filter(({ name }) => !unreadable.has(name))
    .map(({ name, value, messages }) => {
      // A message starts with the field's name; the operator knows the variable's name.
      const hint = (messages.isInt ?? Object.values(messages).at(-1)!).replace(name, '').trim();
      return `${variable(name)} ${value === undefined ? 'is not set; it ' : ''}${hint}`;
    });
  const faults = [...unreadable.values(), ...invalid];
  if (faults.length > 0) throw new ConfigError(serviceName, faults);
  return config;
}

/**
 * The value of a variable, or the contents of the file that `<name>_FILE` names, without surrounding whitespace.
 * @returns undefined if neither is set or the value is empty
 * @throws Error when both are set or the file cannot be read; the message names the variable and quotes nothing
 */
function setting(env: Environment, name: string): string | undefined {
  const [text, file] = [env[name], env[`${name}_FILE`]];
  if (!file) return text || undefined;
  if (text) throw new Error(`${name} and ${name}_FILE are both set; only one of them may be`);
  try {
    return readFileSync(file, 'utf8').trim() || undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`${name}_FILE must name a file that can be read (${code})`, { cause: error });
  }
}

/** The name of the environment variable for a field. */
export const variable = (field: string): string => field.replace(/[A-Z]/g, '_$&').toUpperCase();

function convert(text: string, kind: string): unknown {
  if (kind === 'integer' || kind === 'number') return Number(text);
  if (kind === 'boolean') return text === 'true' ? true : text === 'false' ? false : text;
  return text;
}
