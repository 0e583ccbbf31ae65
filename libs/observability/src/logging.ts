import { safeErrorFields } from './log.js';
import { logContext } from './work-context.js';
import type { LoggerService } from '@nestjs/common';
import { pino, stdTimeFunctions, type DestinationStream, type Logger, type LoggerOptions } from 'pino';
import type { ObservabilitySettings } from './settings.js';

const SECRETS = ['authorization', 'cookie', 'password', 'token', 'secret'];

/**
 * Creates a logger that writes JSON lines to standard output, each with its trace, request and departure. Secrets are
 * redacted as a precaution.
 * @param onLine receives the level of each line
 */
export function createLogger(
  { serviceName, logLevel }: ObservabilitySettings,
  destination?: DestinationStream,
  onLine: (level: string) => void = () => undefined,
): Logger {
  const redact = SECRETS.flatMap((name) => [name, `*.${name}`, `*.headers.${name}`]);
  const options: LoggerOptions = {
    level: logLevel,
    base: { service: serviceName },
    timestamp: stdTimeFunctions.isoTime,
    redact,
    mixin: (_facts, level, logger) => {
      onLine(logger.levels.labels[level]!);
      return logContext();
    },
  };
  return destination ? pino(options, destination) : pino(options);
}

type Level = 'debug' | 'warn' | 'error' | 'fatal';

/** Writes Nest's own messages to our log, its routine messages about modules and routes as `debug`. */
export function nestLogger(log: Logger): LoggerService {
  const at =
    (level: Level) =>
    (message: unknown, ...rest: unknown[]): void => {
      const context = rest.at(-1);
      const facts = typeof context === 'string' && !context.includes('\n') ? { context } : {};
      if (typeof message === 'string') log[level](facts, message);
      else log[level]({ ...facts, ...safeErrorFields(message) }, 'unexpected error');
    };
  return {
    log: at('debug'),
    debug: at('debug'),
    verbose: at('debug'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
  };
}
