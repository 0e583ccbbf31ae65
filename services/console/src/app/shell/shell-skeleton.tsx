import { app } from '../../texts/app';

/** The frame while it is not known who is signed in. */
export function ShellSkeleton() {
  return (
    <div className="shell" aria-busy="true">
      <div className="side" />
      <main className="main" id="content">
        <span className="sr">{app.loading}</span>
      </main>
    </div>
  );
}
