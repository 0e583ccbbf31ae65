import { Problem, type ProblemCode } from '#libs/contracts';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';

/** Node's errors for requests that it does not pass on. Others are malformed. */
const BY_CODE: Record<string, ProblemCode> = {
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'payload-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
};

/** Answers a connection on which no valid request has arrived, and closes it. */
export function refuseConnection(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  closeWith(socket, new Problem(BY_CODE[error.code ?? ''] ?? 'malformed-request'));
}

/** Closes a connection with an answer that the HTTP server does not know of, unless another answer has begun. */
export function closeWith(socket: Socket, problem: Problem): void {
  if (!socket.writable || isAnswering(socket)) return void socket.destroy();
  const body = Buffer.from(JSON.stringify(problem.toBody()));
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    'content-type: application/problem+json',
    `content-length: ${body.length}`,
    'cache-control: no-store',
    'x-content-type-options: nosniff',
    'connection: close',
  ];
  socket.end(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]));
  socket.destroySoon();
}

/** Node keeps the response that it is writing on the socket. */
const isAnswering = (socket: Socket): boolean =>
  (socket as { _httpMessage?: { headersSent?: boolean } })._httpMessage?.headersSent === true;
