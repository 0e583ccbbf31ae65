import type { components } from '#openapi';

export type ProblemBody = components['schemas']['Problem'];

/** Codes of the API, and `offline` for a request that got no answer. */
export type ProblemCode = ProblemBody['code'] | 'offline';

/** A refusal of the API, or a request that got no answer. */
export class ApiProblem extends Error {
  constructor(
    readonly code: ProblemCode,
    readonly body: Partial<ProblemBody> = {},
    /** Finds the request in the log. */
    readonly requestId?: string,
  ) {
    super(body.detail ?? body.title ?? code);
    this.name = 'ApiProblem';
  }

  /** The message about a field of the request, if it is one of the reasons. */
  about(field: string): string | undefined {
    return this.body.errors?.find((error) => error.field === field)?.message;
  }

  /** Seconds until another attempt makes sense. */
  get retryAfter(): number {
    return this.body.retryAfter ?? 60;
  }
}

export const isProblem = (error: unknown, ...codes: ProblemCode[]): error is ApiProblem =>
  error instanceof ApiProblem && (codes.length === 0 || codes.includes(error.code));

/** The problem in an unsuccessful response; something in between may have answered without one. */
export async function problemOf(response: Response): Promise<ApiProblem> {
  const body = (await response.json().catch(() => ({}))) as Partial<ProblemBody>;
  const retryAfter = Number(response.headers.get('retry-after')) || undefined;
  const code = body.code ?? (response.status >= 502 ? 'offline' : 'internal');
  return new ApiProblem(code, { retryAfter, ...body }, response.headers.get('x-request-id') ?? undefined);
}
