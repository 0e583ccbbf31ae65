import { useSyncExternalStore } from 'react';
import { Icon } from '../../components/icon';
import { app } from '../../texts/app';

function subscribe(listener: () => void): () => void {
  window.addEventListener('online', listener);
  window.addEventListener('offline', listener);
  return () => {
    window.removeEventListener('online', listener);
    window.removeEventListener('offline', listener);
  };
}

/** Shown while the browser has no connection. */
export function Offline() {
  const isOnline = useSyncExternalStore(subscribe, () => navigator.onLine);
  return (
    <div role="status">
      {!isOnline && (
        <p className="offline">
          <Icon name="off" />
          {app.offline}
        </p>
      )}
    </div>
  );
}
