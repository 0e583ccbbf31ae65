/** Types for the part of the package that is used; the package has none. */
declare module 'autocannon' {
  interface Options {
    url: string;
    headers?: Record<string, string>;
    connections: number;
    /** Seconds. */
    duration: number;
    workers?: number;
  }
  interface Result {
    requests: { total: number };
    non2xx: number;
  }
  export default function autocannon(options: Options): Promise<Result>;
}
