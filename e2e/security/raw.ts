import { Agent, request } from 'node:http';
import { connect } from 'node:net';

/** Sends raw text, which an HTTP client would refuse to send. @returns what is heard until the connection closes */
export function sendRaw(url: string, text: string, limitMs = 10_000): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(text, 'latin1'));
    let heard = '';
    socket.on('data', (data) => (heard += data.toString('latin1')));
    socket.on('close', () => resolve(heard));
    // The server may close the connection before everything has been sent.
    socket.on('error', (error: NodeJS.ErrnoException) =>
      ['ECONNRESET', 'EPIPE'].includes(error.code ?? '') ? resolve(heard) : reject(error),
    );
    socket.setTimeout(limitMs, () => socket.destroy());
  });
}

interface RawResponse {
  status: number;
  /** Headers in lower case. */
  head: string;
  body: string;
}

/** The responses in what was heard, in order. A body without a length belongs to the last one. */
export function responsesIn(heard: string): RawResponse[] {
  const found: RawResponse[] = [];
  for (let rest = heard; rest.startsWith('HTTP/1.1 ');) {
    const end = rest.indexOf('\r\n\r\n');
    const head = rest.slice(0, end).toLowerCase();
    const status = Number(head.slice(9, 12));
    const length = /content-length: (\d+)/.exec(head)?.[1];
    const from = end + 4;
    const until = status < 200 ? from : length === undefined ? rest.length : from + Number(length);
    found.push({ status, head, body: rest.slice(from, until) });
    rest = rest.slice(until);
  }
  return found;
}

const agent = new Agent({ keepAlive: true });

/** Asks for exactly this path; `fetch` would resolve dots and encode. */
export function askExactly(
  url: string,
  { method, path, token }: { method: string; path: string; token?: string },
): Promise<{ status: number; type: string; body: string }> {
  const { hostname, port } = new URL(url);
  const headers = { ...(token && { authorization: `Bearer ${token}` }) };
  return new Promise((resolve, reject) => {
    const asking = request({ hostname, port, method, path, headers, agent }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => (body += piece));
      const type = response.headers['content-type'] ?? '';
      response.on('end', () => resolve({ status: response.statusCode!, type, body }));
      response.on('error', reject);
    });
    asking.on('error', reject);
    asking.end();
  });
}
