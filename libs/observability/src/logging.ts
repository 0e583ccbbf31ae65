import { safeErrorFields } from './log.js';
import { logContext } from './work-context.js';
import type { LoggerService } from '@nestjs/common';
import { pino, stdTimeFunctions, type DestinationStream, type Logger } from 'pino';
import type { ObservabilitySettings } from './settings.js';

const SECRETS = ['authorization', 'cookie', 'password', 'token', 'secret'];

/**
 * JSON lines to standard output, each with the trace, request and departure that it was written for. Secrets are blotted
 * out, should one ever get into a line.
 */
export function createLogger(
  { serviceName, logLevel }: ObservabilitySettings,
  destination?: DestinationStream,
): Logger {
  const redact = SECRETS.flatMap((name) => [name, `*.${name}`, `*.headers.${name}`]);
  const options = {
    level: logLevel,
    base: { service: serviceName },
    timestamp: stdTimeFunctions.isoTime,
    redact,
    mixin: logContext,
  };
  return destination ? pino(options, destination) : pino(options);
}

type Level = 'debug' | 'warn' | 'error' | 'fatal';

/** Nest's own words, in our log. Its chatter about modules and routes is `debug`. */
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
