from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0006_unit_verdict")]
    operations = [
        migrations.AlterField(
            model_name="price",
            name="unit",
            field=models.TextField(
                choices=[
                    ("image", "image"),
                    ("megapixel", "megapixel"),
                    ("megapixel_step", "megapixel_step"),
                    ("video_second", "video_second"),
                    ("audio_second", "audio_second"),
                    ("kilotoken", "kilotoken"),
                    ("device_second", "device_second"),
                    ("request", "request"),
                ]
            ),
        ),
    ]
