import type { FastifyInstance } from 'fastify';

interface Route {
  pattern: RegExp;
  methods: readonly string[];
}

/** Knows which methods each path supports, to distinguish a wrong method (405) from a wrong path (404). */
export class AllowedMethods {
  private readonly routes: Route[] = [];

  /** Must be constructed before the routes are registered. */
  constructor(instance: FastifyInstance) {
    instance.addHook('onRoute', ({ url, method }) => {
      this.routes.push({ pattern: patternOf(url), methods: [method].flat() });
    });
  }

  /** The methods of a path; empty for an unknown path. */
  of(path: string): string[] {
    const methods = this.routes.filter(({ pattern }) => pattern.test(path)).flatMap((route) => route.methods);
    return methods.length === 0 ? [] : [...new Set([...methods, 'OPTIONS'])].sort();
  }
}

/** Turns a Fastify route path into a pattern: `:name` matches one segment, `*` the rest. */
function patternOf(url: string): RegExp {
  const source = url
    .split('/')
    .map((segment) => (segment.startsWith(':') ? '[^/]+' : segment === '*' ? '.*' : escape(segment)))
    .join('/');
  return new RegExp(`^${source}$`);
}

const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
