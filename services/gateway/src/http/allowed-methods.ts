import type { FastifyInstance } from 'fastify';

interface Route {
  pattern: RegExp;
  methods: readonly string[];
}

/** Knows which methods each path takes, so that a wrong method can be told from a wrong path. */
export class AllowedMethods {
  private readonly routes: Route[] = [];

  /** Has to be called before the routes are made. */
  constructor(instance: FastifyInstance) {
    instance.addHook('onRoute', ({ url, method }) => {
      this.routes.push({ pattern: patternOf(url), methods: [method].flat() });
    });
  }

  /** Empty for a path that is none of ours. */
  of(path: string): string[] {
    const methods = this.routes.filter(({ pattern }) => pattern.test(path)).flatMap((route) => route.methods);
    return methods.length === 0 ? [] : [...new Set([...methods, 'OPTIONS'])].sort();
  }
}

/** A route's path as Fastify writes it: `:name` for one segment, `*` for the rest. */
function patternOf(url: string): RegExp {
  const source = url
    .split('/')
    .map((segment) => (segment.startsWith(':') ? '[^/]+' : segment === '*' ? '.*' : escape(segment)))
    .join('/');
  return new RegExp(`^${source}$`);
}

const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
