import { safeErrorFields, Log } from '#libs/observability';
import { Problem, type ProblemCode } from '#libs/contracts';
import {
  Catch,
  HttpException,
  ServiceUnavailableException,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { setRateLimit } from '../limits/headers.js';
import { RateLimited } from '../limits/rate-limits.js';
import { isForScim, scimError, SCIM_JSON } from '../scim/scim-reply.js';

/** Problem codes for errors of Fastify and its plugins. */
const BY_STATUS: Record<number, ProblemCode> = {
  400: 'validation',
  404: 'not-found',
  406: 'unsupported-media-type',
  408: 'request-timeout',
  413: 'payload-too-large',
  414: 'not-found',
  415: 'unsupported-media-type',
};

/** Statuses that come with `Retry-After`. */
export const HAS_RETRY_AFTER: readonly number[] = [429, 503];
const DEFAULT_RETRY_SECONDS = 1;

/**
 * Answers every error as a problem (RFC 9457), and to SCIM clients as a SCIM error (RFC 7644). Any error that is not a
 * Problem is a bug: it is logged and answered without detail.
 */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly log: Log) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    // Only the readiness check throws this; its report on each dependency is for operators.
    if (error instanceof ServiceUnavailableException) return void reply.status(503).send(error.getResponse());
    const problem = problemOf(error);
    if (problem.code === 'internal') {
      this.log.error({ requestId: reply.request.id, ...safeErrorFields(error) }, 'request failed');
    }
    if (!reply.sent && !reply.raw.headersSent) sendProblem(reply, problem);
  }
}

export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const status =
    error instanceof HttpException ? error.getStatus() : (error as { statusCode?: number } | null)?.statusCode;
  return new Problem(BY_STATUS[status ?? 500] ?? 'internal');
}

export function sendProblem(reply: FastifyReply, problem: Problem): void {
  const { status, details } = problem;
  if (status === 401) reply.header('www-authenticate', 'Bearer');
  if (HAS_RETRY_AFTER.includes(status)) reply.header('retry-after', details.retryAfter ?? DEFAULT_RETRY_SECONDS);
  if (problem instanceof RateLimited) setRateLimit(reply, problem.policy, problem.verdict);
  const forScim = isForScim(reply.request);
  // Sent as bytes, because Fastify adds a charset to strings, which this media type does not have.
  reply
    .status(forScim ? Number(scimError(problem).status) : status)
    .header('content-type', forScim ? SCIM_JSON : 'application/problem+json')
    .send(Buffer.from(JSON.stringify(forScim ? scimError(problem) : problem.toBody())));
}
