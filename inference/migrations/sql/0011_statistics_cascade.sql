-- Statistics go with their model when it is deleted (providers_delete_model), which happens below this app and which
-- Django, that only emulates cascades, does not see.
ALTER TABLE inference_modelhour ADD CONSTRAINT inference_modelhour_model_id_fk FOREIGN KEY (model_id)
  REFERENCES providers_generativemodel(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE inference_modelstats ADD CONSTRAINT inference_modelstats_model_id_fk FOREIGN KEY (model_id)
  REFERENCES providers_generativemodel(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
