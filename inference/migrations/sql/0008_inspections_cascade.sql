-- What nodes noted about a version goes with it when its model is deleted (providers_delete_model), which happens
-- below this app. Django only emulates cascades, so the constraints that it made are replaced.
DO $$
DECLARE found record;
BEGIN
  FOR found IN
    SELECT conname, conrelid::regclass AS child FROM pg_constraint
    WHERE contype = 'f' AND confrelid = 'providers_modelversion'::regclass
      AND conrelid IN ('inference_residency'::regclass, 'inference_inspection'::regclass, 'inference_example'::regclass)
  LOOP
    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %I FOREIGN KEY (version_id) '
                   'REFERENCES providers_modelversion(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED',
                   found.child, found.conname, found.conname);
  END LOOP;
END $$;
