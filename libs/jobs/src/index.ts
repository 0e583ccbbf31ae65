export { failpoint, type FailpointName, type Strike } from './failpoints.js';
export { PermanentError, classifyError, isRetryable, isTransient, type ErrorClass } from './classify-error.js';
export { RETRY_DELAYS_MS, isDue, retryDelay, type RetryPolicy } from './retry-delay.js';
export { TimeoutError, endsWithin, withTimeout } from './timeout.js';
export { BatchWorker, StepWorker, Worker, type WorkerOptions } from './worker.js';
export { WorkerContext } from './worker-context.js';
export { WakeSignal } from './wake-signal.js';
