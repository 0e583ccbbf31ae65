export interface Question {
  method: string;
  path: string;
  token?: string;
  /** Text is sent as it is, everything else as JSON. */
  body?: unknown;
  mediaType?: string;
  headers?: Record<string, string>;
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The code of the problem or SCIM error. */
  code?: string;
}

/** Sends one request to the gateway. Does not throw for error responses. */
export async function ask(
  url: string,
  { method, path, token, body, mediaType = 'application/json', headers = {} }: Question,
): Promise<Answer> {
  const answer = await fetch(url + path, {
    method,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': mediaType }),
      ...headers,
    },
    body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
  });
  const type = answer.headers.get('content-type') ?? '';
  // An event stream would not end by itself.
  if (type.startsWith('text/event-stream')) await answer.body?.cancel();
  const text = type.startsWith('text/event-stream') ? '' : await answer.text();
  return { status: answer.status, headers: answer.headers, text, ...(/\bjson\b|\+json/.test(type) && codeIn(text)) };
}

function codeIn(text: string): { code?: string } {
  const { code, detail } = JSON.parse(text || '{}') as { code?: string; detail?: string };
  return { code: code ?? detail?.split(':')[0] };
}
