import { isProblem } from '../api/problem';
import { serviceName } from '../texts/services';
import { app } from '../texts/app';
import { Callout } from './callout';

/** What happened, whether anything changed, and what to do, as a sentence. */
export function problemText(error: unknown): string {
  const { problems } = app;
  if (!isProblem(error)) return problems.internal;
  switch (error.code) {
    case 'offline':
    case 'forbidden':
    case 'not-found':
    case 'internal':
      return problems[error.code];
    case 'too-many-requests':
      return problems[error.code](error.retryAfter);
    case 'service-unavailable':
      return problems[error.code](serviceName(error.body.service ?? ''));
    default:
      return error.body.errors?.[0]?.message ?? error.body.detail ?? error.body.title ?? problems.internal;
  }
}

interface ProblemNoticeProps {
  error: unknown;
  /** What could not be done. */
  title?: string;
  onRetry?: () => void;
}

export function ProblemNotice({ error, title, onRetry }: ProblemNoticeProps) {
  // The frame asks for the password, and the screen goes on afterwards.
  if (isProblem(error, 'unauthenticated')) return null;
  const retry = onRetry && (
    <button className="btn" type="button" onClick={onRetry}>
      {app.retry}
    </button>
  );
  return (
    <Callout kind="stop" title={title} actions={retry} live>
      {problemText(error)}
      {isProblem(error, 'internal') && error.requestId && (
        <span className="muted"> {app.reference(error.requestId.slice(-12))}</span>
      )}
    </Callout>
  );
}
