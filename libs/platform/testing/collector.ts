import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Span kinds in the order of their OTLP numbers. */
export const SPAN_KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const;

export interface CollectedSpan {
  service: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: (typeof SPAN_KINDS)[number];
  attributes: Record<string, unknown>;
  /** Ids of linked spans. */
  links: string[];
}

interface Attribute {
  key: string;
  value: Record<string, unknown>;
}

interface Body {
  resourceSpans: {
    resource: { attributes: Attribute[] };
    scopeSpans: {
      spans: (Omit<CollectedSpan, 'kind' | 'attributes' | 'links'> & {
        kind: number;
        attributes: Attribute[];
        links?: { spanId: string }[];
      })[];
    }[];
  }[];
}

/** Receives traces in OTLP over HTTP, like a collector. */
export class TestCollector {
  readonly spans: CollectedSpan[] = [];
  /** The raw request bodies. */
  received = '';

  private constructor(private readonly server: Server) {}

  /** @param answering false for a collector that accepts requests and never responds */
  static async start({ answering = true } = {}): Promise<TestCollector> {
    const server = createServer();
    const collector = new TestCollector(server);
    server.on('request', (request, response) => void collector.receive(request, answering ? response : undefined));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return collector;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }

  private async receive(request: IncomingMessage, response?: ServerResponse): Promise<void> {
    this.take(await textOf(request));
    response?.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  }

  private take(text: string): void {
    this.received += text;
    for (const { resource, scopeSpans } of (JSON.parse(text) as Body).resourceSpans) {
      const service = String(valuesOf(resource.attributes)['service.name']);
      for (const { kind, attributes, links = [], ...span } of scopeSpans.flatMap(({ spans }) => spans))
        this.spans.push({
          ...span,
          service,
          kind: SPAN_KINDS[kind]!,
          attributes: valuesOf(attributes),
          links: links.map(({ spanId }) => spanId),
        });
    }
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}

const valuesOf = (attributes: readonly Attribute[]) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
